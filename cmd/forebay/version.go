package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/nats-io/nats-server/v2/server"
)

type versionCommand struct {
	JSON bool `help:"Print JSON."`
}

// A version is what this program was built from.
type version struct {
	Forebay  string `json:"forebay"`            // the module's version: "v1.2.3", or "(devel)"
	Revision string `json:"revision,omitempty"` // of the source
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified,omitempty"` // the source had changes that are in no revision
	Go       string `json:"go"`
	NATS     string `json:"nats_server"`
}

// Run prints the version.
func (v *versionCommand) Run(e *environment) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	this := readVersion(info)
	if v.JSON {
		return json.NewEncoder(e.stdout).Encode(this)
	}
	_, err := fmt.Fprint(e.stdout, this)
	return err
}

func readVersion(info *debug.BuildInfo) version {
	v := version{Forebay: info.Main.Version, Go: info.GoVersion, NATS: server.VERSION}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// String is the version for people.
func (v version) String() string {
	text := "forebay " + v.Forebay + "\n"
	if v.Revision != "" {
		text += fmt.Sprintf("source  %s %s", v.Revision, v.Time)
		if v.Modified {
			text += " (modified)"
		}
		text += "\n"
	}
	return text + fmt.Sprintf("go      %s\nnats    nats-server %s\n", v.Go, v.NATS)
}
