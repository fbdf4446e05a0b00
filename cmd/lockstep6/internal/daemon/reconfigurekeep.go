package daemon

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/reconfigure"
)

// Names in the store's meta space.
const (
	metaReconfigureSecret = "reconfigure.secret" // from which all clients' keys follow, made when reconfigure is configured first
	metaReplay            = "reconfigure.replay" // below which replay values may have been given, 8 octets
)

// keepReplayEvery is how often it is seen whether enough replay values are reserved: they last for half a minute.
const keepReplayEvery = time.Second

// giveSecret puts the secret into a policy that needs it. It is this server's own: each node of a cluster tells keys of its own.
func (d *Daemon) giveSecret(ctx context.Context, p *policy.Policy) error {
	if p.Reconfigure == nil || d.store == nil {
		return nil
	}
	secret, err := d.remembered(ctx, metaReconfigureSecret, func() []byte { return random(reconfigure.SecretSize) })
	if err != nil {
		return err
	}
	if len(secret) != reconfigure.SecretSize {
		return fmt.Errorf("the store's %s has %d octets, want %d", metaReconfigureSecret, len(secret), reconfigure.SecretSize)
	}
	p.Reconfigure.Secret = [reconfigure.SecretSize]byte(secret)
	return nil
}

// openReconfigure goes on with the replay values above those that earlier runs of the node gave, and reserves the first ones.
func (d *Daemon) openReconfigure(ctx context.Context) error {
	d.shared.Seed = binary.BigEndian.Uint64(random(8))
	if kept, ok := d.store.Meta(metaReplay); ok {
		if len(kept) != 8 {
			return fmt.Errorf("the store's %s has %d octets, want 8", metaReplay, len(kept))
		}
		d.shared.Replay.Resume(binary.BigEndian.Uint64(kept))
	}
	return d.keepReplay(ctx, d.site.Load().Policy)
}

// keepReplay reserves replay values where that is due for a policy. None is given before they are on disk as reserved.
func (d *Daemon) keepReplay(ctx context.Context, p *policy.Policy) error {
	if p.Reconfigure == nil {
		return nil
	}
	d.reconfigure.reserving.Lock()
	defer d.reconfigure.reserving.Unlock()
	upTo, needed := d.shared.Replay.Reserve(d.clock() / 1e6)
	if !needed {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	if err := d.store.PutMeta(ctx, metaReplay, binary.BigEndian.AppendUint64(nil, upTo)); err != nil {
		return fmt.Errorf("cannot keep %s in the store: %w", metaReplay, err)
	}
	d.shared.Replay.Reserved(upTo)
	return nil
}

// keepReplays does so until the context ends.
func (d *Daemon) keepReplays(ctx context.Context) {
	tick := time.NewTicker(keepReplayEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := d.keepReplay(ctx, d.site.Load().Policy); err != nil && ctx.Err() == nil {
			d.log.Warn("no replay values for Reconfigure could be reserved: until they can, no client is told a key or asked", "id", "reconfigure-unreserved", "error", err)
		}
	}
}
