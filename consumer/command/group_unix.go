//go:build unix

package command

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// lead makes the program lead a process group, whose ID is that of the program.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks everybody in the program's group to end. False: nobody is left there. The system gives the ID to nobody
// else as long as somebody is in the group, and goes through all the others before it gives a free one away again.
func terminate(leader *os.Process) bool {
	return !errors.Is(syscall.Kill(-leader.Pid, syscall.SIGTERM), syscall.ESRCH)
}

// kill ends everybody in the program's group.
func kill(leader *os.Process) {
	_ = syscall.Kill(-leader.Pid, syscall.SIGKILL) // fails where nobody is left
}
