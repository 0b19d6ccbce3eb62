package ingress

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// What is set aside for a body before it arrives: its length on the sender's word up to firstBuffer, and smallBuffer
// where the sender names none. Beyond that memory follows what arrives.
const (
	firstBuffer = 64 << 10
	smallBuffer = 4 << 10
)

var errTooLarge = errors.New("body over the limit")

// readBody reads a whole body of at most limit bytes. length is what Content-Length says, -1 if it is not known.
func readBody(body io.Reader, length, limit int64) ([]byte, error) {
	if length >= 0 && length <= firstBuffer {
		b := make([]byte, length)
		_, err := io.ReadFull(body, b)
		return b, err
	}
	if length < 0 {
		return readGrowing(body, make([]byte, 0, smallBuffer), limit)
	}
	return readGrowing(body, make([]byte, 0, firstBuffer), limit)
}

// readGrowing reads all of a body into b, which doubles as it fills, up to the one byte over the limit that tells.
func readGrowing(body io.Reader, b []byte, limit int64) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(2*int64(cap(b))+1, limit+1)), b...)
		}
		n, err := body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
	}
}

// whyUnread tells a body that was too large or too slow from one that ended early. What was too slow may be sent
// again: it is answered like trouble of ours, since some senders take any 4xx for final.
func whyUnread(err error) outcome {
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return slow
	}
	return truncated
}

// wireText is a request as HTTP/1.1 text: what quarantine keeps. A body that came in chunks has a length here.
// Credentials of the source are left out: they are no part of what happened, and sealing may be off. Those that only
// its provider knows are gone from what it shows us.
func wireText(r *http.Request, shown provider.Request) []byte {
	var b bytes.Buffer
	b.Grow(len(shown.Body) + 1024)
	target, _, _ := strings.Cut(r.RequestURI, "?")
	if query := shown.URL.RawQuery; query != "" || shown.URL.ForceQuery {
		target += "?" + query
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, target, r.Host)
	skip := map[string]bool{
		"Host": true, "Content-Length": true, "Transfer-Encoding": true,
		"Authorization": true, "Proxy-Authorization": true, "Cookie": true,
	}
	_ = shown.Header.WriteSubset(&b, skip) // a buffer takes everything
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(shown.Body))
	b.Write(shown.Body)
	return b.Bytes()
}
