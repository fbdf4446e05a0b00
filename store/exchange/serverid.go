package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ServerDUID finds the old server's own DUID: Kea and Dibbler keep it in a file beside their leases, dhcpd and dnsmasq among them. It returns
// where it was, too. The error says where it was looked for.
func ServerDUID(format Format, name string) (duid []byte, where string, err error) {
	where = name
	switch format {
	case Kea:
		where = beside(name, "kea-dhcp6-serverid")
		duid, err = duidFile(where)
	case Dibbler:
		where = beside(name, "server-duid")
		if duid, err = duidFile(where); errors.Is(err, os.ErrNotExist) {
			where = beside(name, "server-CfgMgr.xml")
			duid, err = duidElement(where)
		}
	case ISC:
		duid, err = duidStatement(name)
	default:
		duid, err = duidLine(name)
	}
	if err == nil {
		err = checkDUID(duid)
	}
	if err != nil {
		return nil, where, fmt.Errorf("the old server's DUID isn't in %s: %w", where, err)
	}
	return duid, where, nil
}

// duidFile reads a file that has a DUID in hexadecimal and nothing else.
func duidFile(name string) ([]byte, error) {
	text, err := readShort(name)
	if err != nil {
		return nil, err
	}
	return appendHex(nil, strings.TrimSpace(text))
}

// readShort reads the beginning of a file.
func readShort(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	return string(text), err
}

// duidElement reads it out of Dibbler's server-CfgMgr.xml, whose first element of that name it is.
func duidElement(name string) ([]byte, error) {
	text, err := readShort(name)
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(text, "<duid")
	_, rest, ok2 := strings.Cut(rest, ">")
	value, _, ok3 := strings.Cut(rest, "<")
	if !ok || !ok2 || !ok3 {
		return nil, errors.New("it has no duid")
	}
	return appendHex(nil, strings.TrimSpace(value))
}

// duidStatement reads dhcpd's server-duid, of which the last one stands.
func duidStatement(name string) (duid []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	err = errors.New("it has no server-duid")
	for l := newLines(f, name); ; {
		line, end := l.next()
		if end != nil && !errors.Is(end, errLong) {
			if errors.Is(end, io.EOF) {
				return duid, err
			}
			return nil, end
		}
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("server-duid")) {
			continue
		}
		t := newTokens(bytes.NewReader(line), name)
		_, _ = t.next() // the word itself
		if value, wrong := t.next(); wrong == nil && value.kind == tokenText {
			duid, err = bytes.Clone(value.octets), nil
		}
	}
}

// duidLine reads dnsmasq's line "duid".
func duidLine(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for l := newLines(bufio.NewReader(f), name); ; {
		line, err := l.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("it has no line duid")
		case err != nil && !errors.Is(err, errLong):
			return nil, err
		}
		if value, ok := strings.CutPrefix(string(line), "duid "); ok {
			return appendHex(nil, strings.TrimSpace(value))
		}
	}
}
