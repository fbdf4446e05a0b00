package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// DNS asks what keeps DNS. It returns ErrNoDNS where nothing does.
func (c *Client) DNS(ctx context.Context) (s DNSState, err error) {
	err = c.call(ctx, http.MethodGet, "/v1/dns", nil, &s)
	return s, dnsError(err)
}

// AuditDNS has the node compare what DNS holds with its bindings, as Node's AuditDNS. What the node says of a zone that there isn't is an
// error of its words.
func (c *Client) AuditDNS(ctx context.Context, r DNSAuditRequest) (a DNSAudit, err error) {
	path := "/v1/dns/audit"
	if r.Repair {
		path = "/v1/dns/repair"
	}
	if r.Zone != "" {
		path += "?" + url.Values{"zone": {r.Zone}}.Encode()
	}
	err = c.call(ctx, http.MethodPost, path, nil, &a)
	return a, dnsError(err)
}

func dnsError(err error) error {
	var refused *refusal
	if !errors.As(err, &refused) {
		return err
	}
	for _, known := range []error{ErrNoDNS, ErrAuditing} {
		if refused.problem.Error == known.Error() {
			return known
		}
	}
	return err
}
