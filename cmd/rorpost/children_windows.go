package main

import (
	"os/exec"
	"syscall"
)

// apart puts a child into a process group of its own: a Ctrl-C at the terminal is for the parent, which stops its
// children when it has taken their account.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
