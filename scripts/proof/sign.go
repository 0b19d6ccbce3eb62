package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The signatures of the providers, as their documentation has them.

func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = h.Write([]byte(p)) // never fails
	}
	return h.Sum(nil)
}

func sha256Hex(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// signSSOfy signs the path, the values of the body in the order of their names, and a salt. The salt stays the same when
// a delivery is repeated: with another it would be another event.
func signSSOfy(d *delivery, header http.Header) {
	hash := ssofyHash(d.source.secret, d.source.path(), d.body, d.id)
	header.Set("Signature", base64.StdEncoding.EncodeToString(encode(object{"hash": hash, "salt": d.id})))
}

func ssofyHash(secret, path string, body []byte, salt string) string {
	var parsed any
	_ = json.NewDecoder(bytes.NewReader(body)).Decode(&parsed) // we wrote it
	return hex.EncodeToString(mac([]byte(secret), path, values(parsed), salt))
}

// values joins the texts of a JSON value, depth first. Our deliveries to SSOfy hold texts alone.
func values(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case object:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(values(v[name]))
		}
	case []any:
		for _, element := range v {
			b.WriteString(values(element))
		}
	case string:
		b.WriteString(v)
	}
	return b.String()
}

func signHub(d *delivery, header http.Header) {
	header.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac([]byte(d.source.secret), string(d.body))))
}

func signDirect(d *delivery, header http.Header) {
	header.Set("x-wso2-event-signature", "sha256="+hex.EncodeToString(mac([]byte(d.source.secret), string(d.body))))
}

func signMgpass(d *delivery, header http.Header) {
	header.Set("X-Webhook-Signature", hex.EncodeToString(mac([]byte(d.source.secret), string(d.body))))
}

// signEntrust is RFC 9421 over method, URL and the digest of the body.
func signEntrust(d *delivery, header http.Header) {
	sum := sha256.Sum256(d.body)
	content := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	input := fmt.Sprintf(`("@method" "@target-uri" "content-digest");created=%d;keyid="wh-1";alg="hmac-sha256"`, time.Now().Unix())
	base := `"@method": POST` + "\n" + `"@target-uri": ` + publicURL + d.source.path() + "\n" +
		`"content-digest": ` + content + "\n" + `"@signature-params": ` + input
	header.Set("Content-Digest", content)
	header.Set("Signature-Input", "sig="+input)
	header.Set("Signature", "sig=:"+base64.StdEncoding.EncodeToString(mac([]byte(d.source.secret), base))+":")
}

// signScalekit is Standard Webhooks: the time is that of the attempt.
func signScalekit(d *delivery, header http.Header) {
	id, now := "msg_"+d.id, strconv.FormatInt(time.Now().Unix(), 10)
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", now)
	header.Set("webhook-signature", standardWebhooks(d.source.secret, id, now, d.body))
}

func standardWebhooks(secret, id, now string, body []byte) string {
	_, text, _ := strings.Cut(secret, "_")
	key, _ := base64.StdEncoding.DecodeString(text) // we made it
	return "v1," + base64.StdEncoding.EncodeToString(mac(key, id, ".", now, ".", string(body)))
}

func signCrowd(d *delivery, header http.Header) {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	header.Set("X-Crowd-Signature", "t="+now+",v1="+hex.EncodeToString(mac([]byte(d.source.secret), now, ".", string(d.body))))
}
