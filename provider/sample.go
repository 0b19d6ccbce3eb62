package provider

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// JSONRequest is a delivery of body, in JSON, to path: what most samples are.
func JSONRequest(path string, body any) (Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return Request{}, fmt.Errorf("encode body: %w", err)
	}
	return Request{
		Method: http.MethodPost,
		URL:    &url.URL{Path: path},
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   text,
	}, nil
}

// RandomHex is that many random bytes in lower-case hex: for salts, and for what is fresh in a sample.
func RandomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}
