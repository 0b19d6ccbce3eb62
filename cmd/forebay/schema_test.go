package main

import (
	"os"
	"testing"
)

// asyncAPIFile is the AsyncAPI document of development mode, for those who have no forebay at hand.
const asyncAPIFile = "schema/asyncapi.yaml"

func TestAsyncAPIFileFollowsTheCode(t *testing.T) {
	want, err := os.ReadFile("../../" + asyncAPIFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("FOREBAY_CONFIG", "")
	got, stderr, code := call(t, "schema", "asyncapi")
	if code != 0 || got != string(want) {
		t.Errorf("exit code %d %s: %s is not what this prints: go run ./cmd/forebay schema asyncapi >%s",
			code, stderr, asyncAPIFile, asyncAPIFile)
	}
}
