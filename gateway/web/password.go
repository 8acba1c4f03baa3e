package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of one log-in: OWASP's floor for argon2id, chosen so that a small box answers within a tenth of a second
// and two attempts at once fit in its memory.
const (
	argonTime   = 2
	argonMemory = 19 * 1024 // KiB.
	argonLanes  = 1
	argonSalt   = 16 // Bytes.
	argonKey    = 32 // Bytes.

	maxPassword = 1024 // Bytes.
)

// argonHash is a parsed PHC string, $argon2id$v=19$m=…,t=…,p=…$salt$key.
type argonHash struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

// HashPassword returns the argon2id hash of a password in PHC form, ready for the configuration file.
func HashPassword(password string) (string, error) {
	if password == "" || len(password) > maxPassword {
		return "", fmt.Errorf("hash password: want 1 to %d bytes", maxPassword)
	}
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// CheckPassword reports whether the password belongs to the hash. A hash that cannot be read belongs to none.
func CheckPassword(hash, password string) bool {
	h, err := parseHash(hash)
	if err != nil || len(password) > maxPassword {
		return false
	}
	key := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.lanes, uint32(len(h.key)))
	return subtle.ConstantTimeCompare(key, h.key) == 1
}

// parseHash reads a PHC string and refuses costs that would stall the box or protect nothing.
func parseHash(s string) (argonHash, error) {
	var h argonHash
	var version int
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errors.New("not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return h, errors.New("argon2id hash has an unknown version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.lanes); err != nil {
		return h, errors.New("argon2id hash has unreadable costs")
	}
	if h.memory < 8*1024 || h.memory > 256*1024 || h.time < 1 || h.time > 16 || h.lanes < 1 || h.lanes > 16 {
		return h, errors.New("argon2id hash has costs out of range")
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return h, errors.New("argon2id hash has an unreadable salt")
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.key) < 16 {
		return h, errors.New("argon2id hash has an unreadable key")
	}
	return h, nil
}
