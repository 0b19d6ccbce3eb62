package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A node is a server of a cluster as a process of its own.
type node struct {
	program string
	name    string
	dir     string
	client  string   // host:port for clients
	route   string   // host:port for the other nodes
	routes  []string // to the other nodes

	process *process
}

func (n *node) logFile() string { return filepath.Join(n.dir, n.name+".log") }

// start does not wait: the stream says when it is whole.
func (n *node) start() error {
	file := filepath.Join(n.dir, n.name+".conf")
	if err := os.WriteFile(file, []byte(n.configuration()), 0o600); err != nil {
		return err
	}
	process, err := launch(n.logFile(), nil, n.program, "--config", file)
	if err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	n.process = process
	return nil
}

// configuration advertises an address where nobody is, so that nodes go no other way to each other than over the links.
func (n *node) configuration() string {
	return fmt.Sprintf(`server_name: %s
listen: %q
jetstream: {store_dir: %q}
cluster: {
  name: proof, listen: %q, advertise: "127.0.0.1:1", no_advertise: true
  routes: [%s]
}
`, n.name, n.client, filepath.Join(n.dir, n.name), n.route, strings.Join(n.routes, ", "))
}

// kill ends it as a power cut does, stop as an operator does.
func (n *node) kill() { n.process.kill() }

func (n *node) stop() error {
	// Asked to end, nats-server ends with 1.
	if err := n.process.stop(); err != nil && n.process.alive() {
		return fmt.Errorf("stop %s: %w", n.name, err)
	}
	return nil
}

func lastLines(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := slices.Collect(strings.Lines(string(text)))
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
