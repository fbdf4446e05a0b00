package admin

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// A keeper has the certificate, and reads it again when its files change: certificates are renewed while nodes run.
type keeper struct {
	certificate, key string // files
	log              *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]stamp // of the files when they were last read, whether or not that went well
}

// A stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// read reads both files. The keeper must not be in use, or locked.
func (k *keeper) read() error {
	k.seen = [2]stamp{stampOf(k.certificate), stampOf(k.key)}
	certificate, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil {
		return fmt.Errorf("the certificate can't be used: %w; %s must have it in PEM, and %s its private key", err, k.certificate, k.key)
	}
	k.current = &certificate
	return nil
}

// get is a tls.Config's GetCertificate. While the files change they may not fit each other: then the old certificate stays.
func (k *keeper) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen == [2]stamp{stampOf(k.certificate), stampOf(k.key)} {
		return k.current, nil
	}
	if err := k.read(); err != nil {
		k.log.Warn("the API goes on with its former certificate", "id", "api-certificate-unread", "error", err)
	} else {
		k.log.Info("the API has a new certificate", "id", "api-certificate-read", "until", k.current.Leaf.NotAfter)
	}
	return k.current, nil
}

// covers tells whether the certificate in use has a name.
func (k *keeper) covers(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current.Leaf.VerifyHostname(name) == nil
}

// A chatter takes what net/http has to say. Failed handshakes anybody can cause, as many as he likes.
type chatter struct{ log *slog.Logger }

// Write implements io.Writer.
func (c *chatter) Write(line []byte) (int, error) {
	text, level := strings.TrimSpace(string(line)), slog.LevelWarn
	if strings.Contains(text, "TLS handshake error") {
		level = slog.LevelDebug
	}
	c.log.Log(context.Background(), level, "the HTTP server has something to say", "id", "api-http", "text", text)
	return len(line), nil
}

// CheckCertificate tells whether a server could use the two files.
func CheckCertificate(certificate, key string) error {
	return (&keeper{certificate: certificate, key: key}).read()
}
