package command

import "bytes"

// maxOutput is how much of what a program writes is kept, in bytes: the end.
const maxOutput = 8 << 10

// A tail takes all that is written and keeps the end.
type tail struct {
	size int64 // of all
	kept []byte
}

// Write never fails: the program is not held up, however much it writes.
func (t *tail) Write(b []byte) (int, error) {
	t.size += int64(len(b))
	t.kept = append(t.kept, b[max(0, len(b)-maxOutput):]...)
	if len(t.kept) > 2*maxOutput {
		t.kept = append(t.kept[:0], t.bytes()...)
	}
	return len(b), nil
}

// bytes is the end, at most maxOutput.
func (t *tail) bytes() []byte { return t.kept[max(0, len(t.kept)-maxOutput):] }

// lastLine is the last line that is not blank.
func (t *tail) lastLine() string {
	text := bytes.TrimSpace(t.bytes())
	return string(bytes.TrimSpace(text[bytes.LastIndexByte(text, '\n')+1:]))
}
