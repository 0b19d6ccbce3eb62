package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// minKey is the least length of a key in bytes that Standard Webhooks allows.
const minKey = 24

// A signer holds the keys of Standard Webhooks. None: requests are not signed.
type signer [][]byte

// newSigner decodes secrets. Its errors never repeat one.
func newSigner(secrets []string) (signer, error) {
	var s signer
	for _, secret := range secrets {
		key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(secret, "whsec_"), "="))
		switch {
		case secret == "":
			return nil, errors.New("secret: is empty")
		case err != nil || strings.ContainsAny(secret, "\r\n"): // the decoder skips line breaks
			return nil, errors.New("secret: is not whsec_ and base64")
		case len(key) < minKey:
			return nil, errors.New("secret: is shorter than 24 bytes")
		}
		s = append(s, key)
	}
	return s, nil
}

// sign gives the signatures by all keys for an attempt at that time, with blanks between.
func (s signer) sign(id string, at time.Time, body []byte) string {
	signatures := make([]string, len(s))
	for i, key := range s {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

// webhookID is one for an event and a consumer, whichever copy and attempt this is. It is a hash because the ID of an
// event may hold full stops, which would let one signature stand for another ID and time.
func webhookID(name string, m *consumer.Message) string {
	sum := sha256.Sum256([]byte(name + "\x00" + m.Event.Source + "\x00" + m.Event.ID))
	return "msg_" + hex.EncodeToString(sum[:16])
}
