package ingress

import (
	"log"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Server is the server of the webhook listener, with bounds on what a slow sender can hold: 5 s for the head of a
// request, 15 s for all of it, 30 s until it is answered, 32 KiB of headers. It logs what it has to say about
// connections at level debug: strangers cause most of it.
func Server(h http.Handler, l *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            5 * time.Second,
		ReadTimeout:                  15 * time.Second,
		WriteTimeout:                 30 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               32 << 10,
		DisableGeneralOptionsHandler: true, // OPTIONS * is answered 404 like every other path that is no source's
		ErrorLog:                     log.New(connectionLog{l}, "", 0),
	}
}

// A connectionLog gives the lines of net/http to slog. Of a panic it says nothing but that there was one: what the
// panic said may repeat a request.
type connectionLog struct{ log *slog.Logger }

func (c connectionLog) Write(p []byte) (int, error) {
	line, _, _ := strings.Cut(string(p), "\n")
	if strings.Contains(line, "panic") {
		c.log.Error("handler panicked")
	} else {
		c.log.Debug("connection failed", "err", line)
	}
	return len(p), nil
}
