package schema

// A Message is an event in its wire form: what the journal keeps and the stream stores.
type Message struct {
	ID      string // "<source>/<event id>": the Nats-Msg-Id before escaping, and the key of dedupe
	Source  string
	Action  Action
	Subject string
	Header  Header
	Body    []byte // one JSON object
}

// Where a message is safe: the value of Forebay-Stored.
const (
	StoredJournal = "journal" // flushed to the local disk
	StoredStream  = "stream"  // acknowledged by the stream
)

// A Receipt says what became of the messages of one delivery.
type Receipt struct {
	Stored     string // StoredJournal or StoredStream
	Duplicates int    // how many of them were stored before
}
