package daemon

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A drain takes the node out of service at somebody's word.
type drain struct {
	stop chan struct{} // closed: the node is to stop
	once sync.Once
	new  atomic.Bool // new clients are left to other nodes
}

// mode is what was asked for.
func (d *drain) mode() admin.DrainMode {
	select {
	case <-d.stop:
		return admin.DrainStop
	default:
	}
	if d.new.Load() {
		return admin.DrainNew
	}
	return admin.DrainNone
}

// Drain implements admin.Node.
func (o *operator) Drain() admin.DrainMode { return o.d.drain.mode() }

// SetDrain implements admin.Node.
func (o *operator) SetDrain(mode admin.DrainMode) error {
	d := &o.d.drain
	site := o.d.site.Load()
	switch {
	case mode == admin.DrainStop:
		o.d.log.Info("asked to stop, by the API", "id", "drain-stop")
		d.once.Do(func() { close(d.stop) })
		return nil
	case d.mode() == admin.DrainStop:
		return admin.ErrStopping
	case site.Policy.Single:
		return admin.ErrSingle
	}
	yes := mode == admin.DrainNew
	site.View.Gate.Yield(yes)
	switch was := d.new.Swap(yes); {
	case was == yes:
	case yes:
		o.d.log.Info("drained: new clients are left to other nodes until this is ended", "id", "drain-new")
	default:
		o.d.log.Info("not drained any more: new clients are served again", "id", "drain-end")
	}
	return nil
}

// Configuration implements admin.Node.
func (o *operator) Configuration() admin.Configuration {
	p := o.d.site.Load().Policy
	c := p.Config()
	out := admin.Configuration{File: o.d.options.ConfigFile, Content: c.Redacted(), Warnings: []admin.Warning{}}
	if !p.Single {
		out.Node = p.Nodes[p.Self].Name
	}
	for _, w := range c.Warnings {
		out.Warnings = append(out.Warnings, admin.Warning{Line: w.Line, Column: w.Column, Field: w.Field, Problem: w.Problem, Remedy: w.Remedy})
	}
	return out
}

// LogLevel implements admin.Node.
func (o *operator) LogLevel() admin.LogLevel {
	return admin.LogLevel{Level: admin.LevelText(o.d.options.Level.Level()), Configured: o.d.site.Load().Policy.Config().Log.Level}
}

// SetLogLevel implements admin.Node. What tells of the change is logged by whichever of the two levels tells more.
func (o *operator) SetLogLevel(level slog.Level) {
	was := o.d.options.Level.Level()
	o.d.options.Level.Set(min(was, level))
	o.d.log.Info("the log level is changed, until the next restart or reload", "id", "log-level", "level", admin.LevelText(level), "was", admin.LevelText(was))
	o.d.options.Level.Set(level)
}
