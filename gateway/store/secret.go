package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
)

// keyFile holds the secret of the blind hashes, as hexadecimal text.
const keyFile = "blind.key"

// hashSize is the length of a search key on disk in bytes: 2^48 values before two of them are likely to meet.
const hashSize = 12

var alphabet = base32.StdEncoding.WithPadding(base32.NoPadding)

// loadKey reads the secret of dir; fresh allows it to be made. A lost key is an error, not a new key: with another one
// nothing that was stored before could be found.
func loadKey(dir string, fresh bool) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && fresh {
		return makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != sha256.Size {
		return nil, fmt.Errorf("%s does not hold %d hexadecimal bytes", keyFile, sha256.Size)
	}
	return key, nil
}

func makeKey(path string) ([]byte, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return key, nil
}

// newEpoch names one life of a store. A restored backup draws a new one: it numbers new arrivals from where the backup
// ended, and their delivery keys must not repeat those that a peer has seen.
func newEpoch() string {
	b := make([]byte, 15)
	rand.Read(b)
	return alphabet.EncodeToString(b)
}

// Key derives the key of a delivery from the epoch, the arrival, the decision and the destination: 20 characters of
// [A-Z2-7], the same after a crash, so that the peer can drop what it has already (P2). n tells several deliveries of
// one decision to one destination apart.
func (s *Store) Key(arrival int64, decision, destination string, n int) string {
	mac := hmac.New(sha256.New, []byte(s.epoch))
	for _, part := range []string{strconv.FormatInt(arrival, 10), decision, destination, strconv.Itoa(n)} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return alphabet.EncodeToString(mac.Sum(nil))[:20]
}

// Blind returns a keyed hash of a value, for search keys and the audit trail: equal values have equal hashes, and
// without the key file of this store nobody finds the value by trying them all.
func (s *Store) Blind(value string) string { return alphabet.EncodeToString(s.blind(value)) }

// blind leaves out what people type differently: case, spaces and hyphens.
func (s *Store) blind(value string) []byte {
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return unicode.ToUpper(r)
	}, value)))
	return mac.Sum(nil)[:hashSize]
}

func (s *Store) blindAll(keys []SearchKey) []byte {
	var out []byte
	for _, k := range keys {
		if k.Value != "" {
			out = append(out, s.blind(k.Value)...)
		}
	}
	return out
}
