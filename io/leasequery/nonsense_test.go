package leasequery

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/lockstep6/lockstep6/core/query"
	"github.com/lockstep6/lockstep6/core/wire"
)

// What has no place on the connection ends it; nothing brings the server down.
func TestNonsense(t *testing.T) {
	s, r := start(t, &fake{found: crowd(1)}, rules(), Config{Active: true, Insecure: true})
	ask := func(m wire.MessageType) []byte {
		return query.AppendQuestion(nil, m, [3]byte{}, requestor, &query.Question{Type: query.ByLink, LinkAddress: links[0]})
	}
	for name, b := range map[string][]byte{
		"empty frame":              {0, 0},
		"solicit":                  {0, 4, 1, 0, 0, 0},
		"relayed":                  append([]byte{0, 34, 12}, make([]byte, 33)...),
		"cut short":                {0, 9, 14},
		"done":                     {0, 4, 16, 0, 0, 0},
		"active":                   {0, 4, 22, 0, 0, 0},
		"no identifier":            {0, 4, 14, 0, 0, 0},
		"another server":           framed(wire.AppendOption(ask(wire.Leasequery), wire.OptionServerID, requestor)),
		"another server, actively": framed(wire.AppendOption(ask(wire.ActiveLeasequery), wire.OptionServerID, requestor)),
	} {
		conn, err := net.Dial("tcp6", r.Server.String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write(b)
		_ = conn.(*net.TCPConn).CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if got, err := io.ReadAll(conn); err != nil || len(got) > 0 {
			t.Errorf("%s: the server sends %x, and the connection doesn't end: %v", name, got, err)
		}
		_ = conn.Close()
	}
	if n := s.responder.Counters.Read().Dropped; n != 9 {
		t.Errorf("%d drops counted, want 9", n)
	}
	if got, err := all(r, &query.Question{Type: query.ByLink, LinkAddress: links[0]}); err != nil || len(got) != 1 {
		t.Errorf("afterwards: %d, %v", len(got), err)
	}
}
