package main

import (
	"strings"
	"sync"
)

// lastLines keeps the end of what programs warn of: it is of interest only when something fails. A NATS server that is
// taken away on purpose is warned of, too.
type lastLines struct {
	mu    sync.Mutex
	lines []string
}

const linesKept = 30

// Write takes whole lines.
func (l *lastLines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(text))
	l.lines = l.lines[max(0, len(l.lines)-linesKept):]
	return len(text), nil
}

func (l *lastLines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}
