package provider

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StandardWebhooksConfig says how one sender signs by Standard Webhooks 1.0.0.
type StandardWebhooksConfig struct {
	// Secrets are the keys; all are tried. whsec_ and base64, base64 alone, or v1,whsec_ and base64, several joined by
	// a bar, as Supabase shows them: HMAC-SHA-256 with the decoded bytes. whpk_ and base64: the public key of an
	// Ed25519 pair, which cannot sign; Supabase shows v1a,whpk_…:whsk_…. Padding may be left out.
	Secrets []string
	// Prefixes of the names of the headers, in order of preference. Nil: webhook, svix.
	Prefixes []string
	// Tolerance is how far the time of an attempt may be away from Now, both ways, in whole seconds. 0: 5 minutes.
	Tolerance time.Duration
	Now       func() time.Time // nil: time.Now
}

// StandardWebhooks verifies deliveries by Standard Webhooks, which is also how Svix and its customers sign. An attempt
// covers its ID, its time and the raw body; method, URL and all other headers are not signed.
//
// Sources: standard-webhooks/standard-webhooks spec/standard-webhooks.md; docs.svix.com/receiving/verifying-payloads.
type StandardWebhooks struct {
	names      []webhookNames
	keys       []*Key
	publicKeys []ed25519.PublicKey
	tolerance  int64 // seconds
	now        func() time.Time
}

// NewStandardWebhooks refuses missing, empty and malformed secrets, private keys, and a tolerance below a second. Its
// errors never repeat a secret.
func NewStandardWebhooks(c StandardWebhooksConfig) (*StandardWebhooks, error) {
	if err := (Config{Secrets: c.Secrets}).CheckSecrets(); err != nil {
		return nil, err
	}
	w := &StandardWebhooks{tolerance: 300, now: c.Now}
	if w.now == nil {
		w.now = time.Now
	}
	if c.Tolerance != 0 {
		w.tolerance = int64(c.Tolerance / time.Second)
	}
	if w.tolerance < 1 {
		return nil, errors.New("tolerance: below a second")
	}
	w.names = namesOf(c.Prefixes)
	for _, secret := range c.Secrets {
		for key := range strings.SplitSeq(secret, "|") {
			if err := w.addKey(key); err != nil {
				return nil, fmt.Errorf("secrets: %w", err)
			}
		}
	}
	return w, nil
}

func (w *StandardWebhooks) addKey(text string) error {
	switch {
	case strings.HasPrefix(text, "whpk_"), strings.HasPrefix(text, "v1a,whpk_"):
		return w.addPublicKey(strings.TrimPrefix(text, "v1a,"))
	case strings.HasPrefix(text, "whsk_"):
		return errors.New("whsk_ is a private key, which signs; whpk_ verifies")
	}
	key, err := sharedKey(text)
	if err == nil {
		w.keys = append(w.keys, key)
	}
	return err
}

// addPublicKey takes whpk_ and base64. What may follow after a colon is the private key of the pair, whsk_ and base64:
// nothing here needs it.
func (w *StandardWebhooks) addPublicKey(text string) error {
	text, private, pair := strings.Cut(text, ":")
	public, err := decodeKey(text[len("whpk_"):])
	if err != nil || len(public) != ed25519.PublicKeySize {
		return errors.New("whpk_: not the base64 of 32 bytes")
	}
	if private, ok := strings.CutPrefix(private, "whsk_"); pair {
		if key, err := decodeKey(private); !ok || err != nil || len(key) == 0 {
			return errors.New("whpk_: after the colon: not whsk_ and base64")
		}
	}
	w.publicKeys = append(w.publicKeys, public)
	return nil
}

// Verify checks the time of the attempt, and then whether one of the signatures is that of one of the keys. The label
// of a signature chooses the algorithm: v1 is HMAC, v1a is Ed25519, and neither stands in for the other.
func (w *StandardWebhooks) Verify(r Request) error {
	names := w.namesIn(r.Header)
	id, seconds, err := readAttempt(r.Header, names)
	if err != nil {
		return err
	}
	list, err := OneHeader(r.Header, names.signature)
	if err != nil {
		return err
	}
	if now := w.now().Unix(); seconds < now-w.tolerance || seconds > now+w.tolerance {
		return fmt.Errorf("header %s: more than %d s away from now", names.timestamp, w.tolerance)
	}
	if !w.fits(webhookContent(id, seconds, r.Body), readSignatures(list)) {
		return errors.New("signature: does not fit")
	}
	return nil
}

// fits makes one MAC for each key, however many signatures a stranger lists.
func (w *StandardWebhooks) fits(content []byte, s webhookSignatures) bool {
	for _, key := range w.keys {
		sum := key.Sum(content)
		for i := range s.macs {
			if hmac.Equal(sum[:], s.macs[i][:]) {
				return true
			}
		}
	}
	for _, key := range w.publicKeys {
		for i := range s.ed25519 {
			if ed25519.Verify(key, content, s.ed25519[i][:]) {
				return true
			}
		}
	}
	return false
}

// Attempt gives what a delivery says of itself: the ID of its message, equal on every repeat, and the time of this
// attempt, UTC. Trust it after Verify.
func (w *StandardWebhooks) Attempt(h http.Header) (id string, at time.Time, err error) {
	id, seconds, err := readAttempt(h, w.namesIn(h))
	if err != nil {
		return "", time.Time{}, err
	}
	return id, time.Unix(seconds, 0).UTC(), nil
}

// Sign signs a new attempt with the first shared secret, under the first prefix. An ID that is there stays: the attempt
// is then a repeat.
func (w *StandardWebhooks) Sign(r *Request) error {
	if len(w.keys) == 0 {
		return errors.New("sign: a public key does not sign")
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	names, at := w.names[0], w.now()
	id := r.Header.Get(names.id)
	if id == "" {
		id = NewWebhookID()
		r.Header.Set(names.id, id)
	}
	signer := WebhookSigner{shared: w.keys[0]}
	r.Header.Set(names.timestamp, strconv.FormatInt(at.Unix(), 10))
	r.Header.Set(names.signature, signer.Sign(id, at, r.Body))
	return nil
}

// NewWebhookID makes the ID of a new message: msg_ and 26 hex digits.
func NewWebhookID() string { return "msg_" + RandomHex(13) }

// A WebhookSigner signs with one key. Several signatures are joined by blanks. Many goroutines may use one.
type WebhookSigner struct {
	shared  *Key
	private ed25519.PrivateKey
}

// NewWebhookSigner makes the signer of whsec_ and base64, or base64 alone (v1, HMAC-SHA-256), or of whsk_ and the base64
// of private and public key, 64 bytes (v1a, Ed25519).
func NewWebhookSigner(secret string) (*WebhookSigner, error) {
	private, asymmetric := strings.CutPrefix(secret, "whsk_")
	if !asymmetric {
		key, err := sharedKey(secret)
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		return &WebhookSigner{shared: key}, nil
	}
	b, err := decodeKey(private)
	if err != nil || len(b) != ed25519.PrivateKeySize {
		return nil, errors.New("secret: whsk_: not the base64 of 64 bytes")
	}
	key := ed25519.PrivateKey(b)
	if !ed25519.NewKeyFromSeed(key.Seed()).Equal(key) {
		return nil, errors.New("secret: whsk_: the public key is another one's")
	}
	return &WebhookSigner{private: key}, nil
}

// Sign gives label, comma and base64 for an attempt at that time, in whole seconds. An ID should hold no full stop.
func (s *WebhookSigner) Sign(id string, at time.Time, body []byte) string {
	content := webhookContent(id, at.Unix(), body)
	if s.private != nil {
		return "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(s.private, content))
	}
	sum := s.shared.Sum(content)
	return "v1," + base64.StdEncoding.EncodeToString(sum[:])
}

// webhookContent is what is signed.
func webhookContent(id string, seconds int64, body []byte) []byte {
	const digits = 20
	content := make([]byte, 0, len(id)+len(".")+digits+len(".")+len(body))
	content = append(append(content, id...), '.')
	content = append(strconv.AppendInt(content, seconds, 10), '.')
	return append(content, body...)
}

// webhookNames are the headers of one prefix, in canonical form.
type webhookNames struct{ id, timestamp, signature string }

func namesOf(prefixes []string) []webhookNames {
	if len(prefixes) == 0 {
		prefixes = []string{"webhook", "svix"}
	}
	names := make([]webhookNames, len(prefixes))
	for i, p := range prefixes {
		names[i] = webhookNames{
			id:        http.CanonicalHeaderKey(p + "-id"),
			timestamp: http.CanonicalHeaderKey(p + "-timestamp"),
			signature: http.CanonicalHeaderKey(p + "-signature"),
		}
	}
	return names
}

// namesIn chooses the first prefix of which any header is there: it is used whole, never mixed with another.
func (w *StandardWebhooks) namesIn(h http.Header) webhookNames {
	for _, n := range w.names {
		if len(h[n.id])+len(h[n.timestamp])+len(h[n.signature]) > 0 {
			return n
		}
	}
	return w.names[0]
}

func readAttempt(h http.Header, names webhookNames) (id string, seconds int64, err error) {
	if id, err = OneHeader(h, names.id); err != nil {
		return "", 0, err
	}
	text, err := OneHeader(h, names.timestamp)
	if err != nil {
		return "", 0, err
	}
	const bits = 37 // until the year 6325; milliseconds do not fit
	u, err := strconv.ParseUint(text, 10, bits)
	if err != nil { // its text would repeat what the request says
		return "", 0, fmt.Errorf("header %s: not Unix seconds in decimal digits", names.timestamp)
	}
	return id, int64(u), nil
}

// webhookSignatures are the entries of a signature header that could be one, by algorithm.
type webhookSignatures struct {
	macs    [][sha256.Size]byte
	ed25519 [][ed25519.SignatureSize]byte
}

// readSignatures skips what it does not know: during a rotation, and where a sender has other algorithms too, a bad
// entry before a good one is normal. Supabase puts a comma after each entry but the last.
func readSignatures(list string) (s webhookSignatures) {
	const most = 16 // a check of Ed25519 reads the whole body, and strangers decide how many there are
	for entry := range strings.SplitSeq(list, " ") {
		label, text, _ := strings.Cut(entry, ",")
		text, _, _ = strings.Cut(text, ",")
		switch label {
		case "v1":
			var mac [sha256.Size]byte
			if decodeSignature(mac[:], text) {
				s.macs = append(s.macs, mac)
			}
		case "v1a":
			var signature [ed25519.SignatureSize]byte
			if len(s.ed25519) < most && decodeSignature(signature[:], text) {
				s.ed25519 = append(s.ed25519, signature)
			}
		}
	}
	return s
}

// decodeSignature reads padded base64 that fills dst exactly. Strict: one signature has one spelling.
func decodeSignature(dst []byte, text string) bool {
	if len(text) != base64.StdEncoding.EncodedLen(len(dst)) {
		return false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil && copy(dst, b) == len(dst) && len(b) == len(dst)
}

// sharedKey reads the secret of an HMAC.
func sharedKey(text string) (*Key, error) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "v1,"), "whsec_")
	b, err := decodeKey(text)
	if err != nil || len(b) == 0 {
		return nil, errors.New("one is not whsec_ and base64")
	}
	return newKey(string(b)), nil
}

// decodeKey reads standard base64, padded or not.
func decodeKey(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") { // the decoder would skip them
		return nil, errors.New("line break")
	}
	if strings.HasSuffix(text, "=") {
		return base64.StdEncoding.DecodeString(text)
	}
	return base64.RawStdEncoding.DecodeString(text)
}
