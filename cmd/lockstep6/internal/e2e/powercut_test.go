package e2e

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// How a file system is stopped at once: what it hasn't given to its device it never does (ext4's EXT4_IOC_SHUTDOWN, without flushing its journal).
const (
	ext4Shutdown        = 0x8004587d
	shutdownWithoutLog  = 2
	powerCuts           = 8
	powerCutImageOctets = 256 << 20
)

// TestPowerCut cuts the power of the server's disk, an ext4 of its own on a loop device, again and again while clients get and renew leases: the file system is
// stopped in the moment of a Reply, or soon after, and what of it wasn't on the device is lost. After each cut it is mounted anew, its journal replayed and checked by
// e2fsck, and every Reply that was received before the cut must be found in the store. The device's own cache isn't lost: what the kernel wrote to it stays.
//
// What is heard while the file system is being stopped, or later, counts for nothing: ext4 lets a sync that is under way return as if it were done
// (jbd2 finds its transaction gone), and the server goes on for a moment, which a machine without power doesn't.
func TestPowerCut(t *testing.T) {
	// Not beside other tests: a mount namespace that one of them makes meanwhile would hold on to the file system that was stopped, and
	// who mounts the image again would be given that one. (That other programs don't is withOwnMounts' work.)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	h := NewLab(t).Host("server")
	disk := newDisk(t, h.File("disk.img"), h.File("data"))
	s, agent := h.Serve(onLoopback), h.Agent(ownServer)
	book := newLedger()
	stop := load(t, agent, book)
	for round := range powerCuts {
		due := make(chan struct{})
		book.set(dice.Int64N(repliesPerRound), func() {
			if round%2 == 0 {
				book.dark = true // note has the lock
				disk.cut()
			}
			close(due)
		})
		select {
		case <-due:
		case <-time.After(patience):
			t.Fatal("no more Replies")
		}
		if round%2 == 1 {
			time.Sleep(time.Duration(dice.Int64N(int64(5 * time.Millisecond)))) // an instant that no Reply picks
			book.power(false)
			disk.cut()
		}
		s.Kill()
		disk.replace()
		wantListed(t, s, book)
		if t.Failed() {
			return
		}
		book.power(true)
		s.Start()
	}
	stop()
	s.Stop()
	wantListed(t, s, book)
	t.Logf("%d clients were told %d times what they have, over %d power cuts", len(book.told), book.count.Load(), powerCuts)
	for _, w := range book.wrong {
		t.Error(w)
	}
}

// A powerDisk is an ext4 in a file, mounted by a loop device.
type powerDisk struct {
	t           *testing.T
	image, path string
}

func newDisk(t *testing.T, image, path string) *powerDisk {
	t.Helper()
	d := &powerDisk{t, image, path}
	file, err := os.Create(image)
	if err == nil {
		err = file.Truncate(powerCutImageOctets)
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = os.MkdirAll(path, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.run("mkfs.ext4", "-q", image)
	d.run("mount", "-o", "loop", image, path)
	t.Cleanup(func() { _ = exec.Command("umount", path).Run() })
	return d
}

// cut stops the file system. It may be called from any goroutine.
func (d *powerDisk) cut() {
	folder, err := os.Open(filepath.Clean(d.path))
	if err != nil {
		d.t.Error(err)
		return
	}
	defer folder.Close()
	flags := uint32(shutdownWithoutLog)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, folder.Fd(), ext4Shutdown, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		d.t.Errorf("stopping the file system: %v", errno)
	}
}

// replace mounts what is on the device, as after a start of the machine, and has its structure checked.
func (d *powerDisk) replace() {
	d.t.Helper()
	d.run("umount", d.path)
	d.run("mount", "-o", "loop", d.image, d.path) // replays the journal
	d.run("umount", d.path)
	d.run("e2fsck", "-f", "-n", d.image)
	d.run("mount", "-o", "loop", d.image, d.path)
}

func (d *powerDisk) run(name string, args ...string) {
	d.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		d.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
