package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is the program under test; TestMain sets it.
var program string

// adminAddress is where every server's HTTP interface listens; each has a namespace of its own.
const adminAddress = "127.0.0.1:8067"

// A Server is one `lockstep6 serve`.
type Server struct {
	*Process
	host   *Host
	config string
	extra  []string
}

// Serve starts the server on a host and waits until it says that it is ready. extra are further arguments.
func (h *Host) Serve(config string, extra ...string) *Server {
	h.lab.t.Helper()
	s := &Server{host: h, config: h.Write("lockstep6.yaml", config, 0o644), extra: extra}
	s.Start()
	return s
}

// Data is the server's data folder.
func (s *Server) Data() string { return s.host.File("data") }

// Start starts the server under the filter of Debian's unit, again after Stop or Kill, with the data that it left.
func (s *Server) Start() {
	s.host.lab.t.Helper()
	args := append([]string{program, "serve", "--config", s.config, "--data", s.Data(), "--admin", adminAddress}, s.extra...)
	s.Process = s.host.Start("server", filtered(filterFile, args...)...)
	s.host.eventually("the server to be ready", func() bool {
		if !s.Running() {
			s.host.lab.t.Fatalf("the server ended: %v\n%s", s.err, s.Log())
		}
		code, _ := s.get("/ready")
		return code == http.StatusOK
	})
}

// Stop asks the server to end; it must do so with exit code 0.
func (s *Server) Stop() {
	s.host.lab.t.Helper()
	if err := s.Process.Stop(syscall.SIGTERM); err != nil {
		s.host.lab.t.Errorf("the server ended with %v", err)
	}
}

// get asks the HTTP interface from inside the server's namespace; code 0: no answer.
func (s *Server) get(path string) (code int, body []byte) {
	_ = s.host.Inside(func() error {
		// By hand, since http.Client would dial in a goroutine on a thread of another namespace.
		conn, err := net.DialTimeout("tcp", adminAddress, patience) // refused at once where nobody listens
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path); err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if body, err = io.ReadAll(answer.Body); err == nil {
			code = answer.StatusCode
		}
		return err
	})
	return code, body
}

// told is what the HTTP interface answers, which may take some tries where many labs share a machine.
func (s *Server) told(path string) (body []byte) {
	s.host.lab.t.Helper()
	s.host.eventually("an answer to "+path, func() bool {
		var code int
		code, body = s.get(path)
		return code == http.StatusOK
	})
	return body
}

// Command runs another command of the program on the server's host and returns what it printed.
func (s *Server) Command(args ...string) string {
	t := s.host.lab.t
	t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", s.host.ns, program}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lockstep6 %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// build makes the program under test from this checkout.
func build(folder string) (string, error) {
	target := filepath.Join(folder, "lockstep6")
	cmd := exec.Command("go", "build", "-o", target, "github.com/lockstep6/lockstep6/cmd/lockstep6")
	cmd.Env = os.Environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return target, nil
}
