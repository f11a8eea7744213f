package issuer

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// maxToken bounds tokens whose signature is verified here. Tokens with very
// many groups are large.
const maxToken = 1 << 20

var (
	errNoToken   = errors.New("not a signed token")
	errSignature = errors.New("the signature is not that of the key")
)

// VerifySignature returns the payload of a JWT in compact form if one of the
// issuer's keys has signed it, with one of Algorithms. Nothing else is checked.
// The errors are those of Key, and others that repeat nothing of the token.
//
// It makes an Issuer a key set of OpenID Connect libraries.
func (i *Issuer) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, errNoToken
	}
	jws, err := jose.ParseSignedCompact(token, joseAlgorithms())
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errNoToken
	}
	header := jws.Signatures[0].Protected
	public, err := i.Key(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("%w: alg %s", err, header.Algorithm)
	}
	payload, err := jws.Verify(public)
	if err != nil {
		return nil, errSignature
	}
	return payload, nil
}

func joseAlgorithms() []jose.SignatureAlgorithm {
	all := make([]jose.SignatureAlgorithm, len(algorithms))
	for n, alg := range algorithms {
		all[n] = jose.SignatureAlgorithm(alg)
	}
	return all
}
