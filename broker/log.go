package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// serverLog is the log of the embedded server: its warnings and errors are ours, all else is for debugging. It also
// remembers why the server did not start, which the server tells its log only.
type serverLog struct {
	log *slog.Logger

	mu  sync.Mutex
	why error
}

const serverSays = "embedded NATS server"

// Fatalf is called where nats-server would end the process. The error among the values is kept for errors.Is.
func (l *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.log.Error(serverSays, "err", text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = fatalError(text, v)
	}
}

func (l *serverLog) Errorf(format string, v ...any) {
	l.log.Error(serverSays, "err", fmt.Sprintf(format, v...))
}
func (l *serverLog) Warnf(format string, v ...any) {
	l.log.Warn(serverSays, "err", fmt.Sprintf(format, v...))
}
func (l *serverLog) Noticef(format string, v ...any) { l.say(format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.say(format, v) }
func (l *serverLog) Tracef(string, ...any)           {} // payloads

func (l *serverLog) say(format string, v []any) {
	if l.debug() {
		l.log.Debug(serverSays, "status", fmt.Sprintf(format, v...))
	}
}

func (l *serverLog) debug() bool { return l.log.Enabled(context.Background(), slog.LevelDebug) }

// fatal is why the server did not start, or nil.
func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// fatalError is the error that was logged, or the text where none was.
func fatalError(text string, v []any) error {
	for _, x := range v {
		if err, ok := x.(error); ok {
			return err
		}
	}
	return errors.New(text)
}
