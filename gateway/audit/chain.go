package audit

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// BrokenError says where a trail is not what was written.
type BrokenError struct {
	Line   int64 // From 1.
	Reason string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the audit trail is broken at line %d: %s", e.Line, e.Reason)
}

// end is where a chain ends: the number of the last line, its hash, and the bytes up to there.
type end struct {
	n    int64
	hash string
	size int64
}

// sealed is one line: the entry, and the hash that ties it to the line before.
type sealed struct {
	Entry
	Hash string `json:"hash"`
}

// The hash is the last member of a line, so that what it covers is simply all before it.
const hashMember = `,"hash":"`

// seal returns the line of an entry that follows last.
func seal(key []byte, last end, e Entry) ([]byte, end, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, end{}, err
	}
	body = body[:len(body)-1]
	hash := chain(key, "line", last.hash, body)
	line := append(body, hashMember+hash+"\"}\n"...)
	return line, end{e.N, hash, last.size + int64(len(line))}, nil
}

// chain is the keyed hash over the purpose, the hash before and the content.
func chain(key []byte, purpose, before string, content []byte) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s\n", purpose, before)
	mac.Write(content)
	return hex.EncodeToString(mac.Sum(nil))
}

func parse(line []byte) (e sealed, err error) {
	err = json.Unmarshal(line, &e)
	return e, err
}

// follow checks that a line follows last, byte for byte.
func follow(key []byte, last end, line []byte) (end, error) {
	n := last.n + 1
	at := bytes.LastIndex(line, []byte(hashMember))
	if at < 0 {
		return last, &BrokenError{Line: n, Reason: "it has no hash"}
	}
	hash := chain(key, "line", last.hash, line[:at])
	if !hmac.Equal(line[at:], []byte(hashMember+hash+`"}`)) {
		return last, &BrokenError{Line: n, Reason: "it was changed, or a line before it was removed or inserted"}
	}
	if !bytes.HasPrefix(line, fmt.Appendf(nil, `{"n":%d,`, n)) {
		return last, &BrokenError{Line: n, Reason: "its number is not the next"}
	}
	return end{n, hash, last.size + int64(len(line)) + 1}, nil
}

// walk checks the lines that follow from, and returns the end, and the bytes of an unfinished line after it.
func walk(r io.Reader, key []byte, from end, each func(end)) (last end, torn []byte, err error) {
	last = from
	torn, err = eachLine(r, func(line []byte) (err error) {
		if last, err = follow(key, last, line); err == nil {
			each(last)
		}
		return err
	})
	return last, torn, err
}

// eachLine calls f with each whole line, without its end, and returns what follows the last.
func eachLine(r io.Reader, f func([]byte) error) (rest []byte, err error) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
		if err := f(line[:len(line)-1]); err != nil {
			return nil, err
		}
	}
}

func headPath(path string) string { return path + ".head" }

// headLine is the content of the head file, of constant length: an end, and a hash over it.
func headLine(key []byte, at end) []byte {
	hash := at.hash
	if hash == "" {
		hash = strings.Repeat("0", 2*sha256.Size)
	}
	text := fmt.Sprintf("%020d %020d %s", at.n, at.size, hash)
	return []byte(text + " " + chain(key, "head", "", []byte(text)) + "\n")
}

// readHead reads the head file of a trail. The head may be behind the trail, since the trail is synced first; it is
// never ahead of a trail that nobody cut.
func readHead(path string, key []byte) (at end, err error) {
	b, err := os.ReadFile(headPath(path))
	if errors.Is(err, os.ErrNotExist) {
		return at, &BrokenError{Line: 1, Reason: "the head file is gone"}
	}
	if err != nil {
		return at, err
	}
	if _, err := fmt.Sscanf(string(b), "%d %d %s", &at.n, &at.size, &at.hash); err != nil {
		return at, &BrokenError{Line: 1, Reason: "the head file cannot be read"}
	}
	if at.n == 0 {
		at.hash = ""
	}
	if !hmac.Equal(b, headLine(key, at)) {
		return at, &BrokenError{Line: at.n, Reason: "the head file was changed, or the key is another one"}
	}
	return at, nil
}
