//go:build unix

package command

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// lead makes the program lead a process group, whose ID is that of the program.
func lead(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// terminate asks everybody in the program's group to end. False: nobody is left there. The system gives the ID to nobody
// else as long as somebody is in the group, and goes through all the others before it gives a free one away again.
func terminate(leader *os.Process) bool {
	return !errors.Is(syscall.Kill(-leader.Pid, syscall.SIGTERM), syscall.ESRCH)
}

// left reports whether anybody in the program's group has not ended.
func left(leader *os.Process) bool {
	return !errors.Is(syscall.Kill(-leader.Pid, 0), syscall.ESRCH) && !ended(strconv.Itoa(leader.Pid))
}

// ended reports whether all in a group have ended and nobody has asked how, as happens to orphans of a container without an
// init. Only Linux tells (proc(5)).
func ended(group string) (all bool) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file) // it may be gone by now
		// "7 (name) Z 1 7 …": the state, the parent and the group. A name may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 3 || string(fields[2]) != group {
			continue
		}
		if all = string(fields[0]) == "Z"; !all {
			return false
		}
	}
	return all
}

// kill ends everybody in the program's group.
func kill(leader *os.Process) {
	_ = syscall.Kill(-leader.Pid, syscall.SIGKILL) // fails where nobody is left
}
