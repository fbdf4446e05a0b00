package node

import "testing"

func TestNew(t *testing.T) {
	c, err := New(Settings+Addresses+Prefixes, 1<<12)
	if err != nil {
		t.Fatal(err)
	}
	if site := c.Site.Load(); len(site.Policy.Pools) != 2 || c.Table.Stats().Live != 0 {
		t.Errorf("%d pools, %+v", len(site.Policy.Pools), c.Table.Stats())
	}
	if err := c.Table.Close(); err != nil {
		t.Error(err)
	}
	if _, err := New(Settings+"nonsense", 1<<12); err == nil {
		t.Error("nonsense is a configuration")
	}
}
