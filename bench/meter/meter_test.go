package meter

import (
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	var s Sample
	// A program may have any name.
	text := "7 (a) R 1 (b) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9 0 12345 1000000 250 18446744073709551615\n"
	if err := parseStat([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if want := (Sample{CPU: 2 * time.Second, RSS: 250 * int64(os.Getpagesize()), Threads: 9}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	for _, text := range []string{"", "7 (a) S 1 2 3", strings.Replace(text, " 150 ", " x ", 1)} {
		if err := parseStat([]byte(text), &s); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestDrops(t *testing.T) {
	table := `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  123: 00000000000000000000000001000000:2933 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5555 2 0000000000000000 17
  124: 00000000000000000000000001000000:2933 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5556 2 0000000000000000 3
  125: 00000000000000000000000000000000:0223 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5557 2 0000000000000000 100
`
	for _, test := range []struct {
		ports []uint16
		want  uint64
	}{{[]uint16{10547}, 20}, {[]uint16{547}, 100}, {[]uint16{10547, 547}, 120}, {nil, 0}} {
		if got, err := socketDrops([]byte(table), test.ports); err != nil || got != test.want {
			t.Errorf("ports %d: %d drops, %v; want %d", test.ports, got, err, test.want)
		}
	}
	if _, err := socketDrops([]byte(strings.ReplaceAll(table, " 17\n", " x\n")), []uint16{10547}); err == nil {
		t.Error("a number that is none was read")
	}
	if got := BufferDrops([]byte("Udp6InErrors \t 9\nUdp6RcvbufErrors                \t5\nUdp6MemErrors \t2\n")); got != 7 {
		t.Errorf("%d, want 7", got)
	}
}

func TestSince(t *testing.T) {
	before := Sample{CPU: 5 * time.Second, RSS: 100, Threads: 4, SocketDrops: 10, BufferDrops: 7}
	after := Sample{CPU: 7 * time.Second, RSS: 90, Threads: 5, SocketDrops: 4, BufferDrops: 9}
	want := Sample{CPU: 2 * time.Second, RSS: 90, Threads: 5, BufferDrops: 2}
	if diff := cmp.Diff(want, after.Since(before)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := want.Plus(want); got.CPU != 4*time.Second || got.RSS != 180 || got.Threads != 10 || got.BufferDrops != 4 {
		t.Errorf("twice %+v is %+v", want, got)
	}
}

// TestSelf: this very process, whose socket overflows.
func TestSelf(t *testing.T) {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadBuffer(1); err != nil { // the kernel's least
		t.Fatal(err)
	}
	to := conn.LocalAddr().(*net.UDPAddr)
	p, err := Open(os.Getpid(), uint16(to.Port))
	if err != nil {
		t.Fatal(err)
	}
	before, err := p.Read()
	if err != nil {
		t.Fatal(err)
	}
	from, err := net.DialUDP("udp6", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for range 100 {
		if _, err := from.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	after, err := p.Read()
	if err != nil {
		t.Fatal(err)
	}
	grown := after.Since(before)
	if grown.SocketDrops == 0 || grown.BufferDrops < grown.SocketDrops || after.RSS == 0 || after.Threads == 0 {
		t.Errorf("%+v: want drops, memory and threads", grown)
	}
}

func TestNoProcess(t *testing.T) {
	if _, err := Open(1<<30, 547); err == nil || !strings.Contains(err.Error(), "there is no process 1073741824") {
		t.Errorf("%v", err)
	}
}
