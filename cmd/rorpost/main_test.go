package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// runMain is the variable that makes this test binary the program itself, for tests that need it as a process.
const runMain = "RUN_MAIN_OF_RORPOST"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"rorpost": main})
}

// TestScripts runs the command line as people and scripts do.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status,
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// status runs a program and checks its exit status: status 2 rorpost check.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE PROGRAM [ARGUMENT…]")
	}
	got := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = err.Error()
		if code, ok := exitCode(err); ok {
			got = code
		}
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

func exitCode(err error) (string, bool) {
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return "", false
	}
	return strconv.Itoa(exit.ExitCode()), true
}
