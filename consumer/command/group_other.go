//go:build !unix

package command

import (
	"os"
	"os/exec"
)

// lead does nothing: there are no process groups.
func lead(*exec.Cmd) {}

// terminate does nothing: a program cannot be asked. False: there is no group to wait for.
func terminate(*os.Process) bool { return false }

// left reports that nobody is: there is no group.
func left(*os.Process) bool { return false }

// kill ends the program.
func kill(leader *os.Process) {
	_ = leader.Kill() // fails where it has ended
}
