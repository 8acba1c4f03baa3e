package central

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
	"strings"

	"rorpost/gateway/lab"
)

const keyFile = "central.key"

// secret is the key of the blind hashes. It cannot print itself.
type secret struct{ key []byte }

// String masks.
func (secret) String() string { return "key(masked)" }

// GoString masks.
func (secret) GoString() string { return "key(masked)" }

// loadSecret reads the key of dir; fresh allows it to be made. A lost key is an error, not a new key: with another one
// no order could be found.
func loadSecret(dir string, fresh bool) (secret, error) {
	path := filepath.Join(dir, keyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !fresh {
			return secret{}, fmt.Errorf("%s is missing beside the database; restore it from the backup", keyFile)
		}
		return makeSecret(path)
	}
	if err != nil {
		return secret{}, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != sha256.Size {
		return secret{}, fmt.Errorf("%s does not hold %d hexadecimal bytes", keyFile, sha256.Size)
	}
	return secret{key}, nil
}

// makeSecret writes the whole key under another name first: a crash never leaves half of one.
func makeSecret(path string) (secret, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return secret{}, err
	}
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return secret{}, err
	}
	return secret{key}, os.Rename(path+".new", path)
}

func (s secret) hash(purpose, value string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(purpose + "\x00" + value))
	return mac.Sum(nil)
}

// person is the keyed hash of a person's number, without what differs between ways of writing it and without its
// system, which may be missing; nil for nobody. Whoever finds by it compares with [lab.PersonID.Same].
func (s secret) person(id lab.PersonID) []byte {
	if id.IsZero() {
		return nil
	}
	bare := strings.NewReplacer("-", "", " ", "", "+", "").Replace(strings.ToUpper(id.Wire()))
	return s.hash("person", bare)[:16]
}

// trail is the key of the audit trail.
func (s secret) trail() []byte { return s.hash("audit trail", "") }

// blind is a keyed hash as text, for the audit trail; "" for nobody.
func blind(person []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(person)
}
