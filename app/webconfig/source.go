package webconfig

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/prometheus/exporter-toolkit/web"
)

// maxFileSize bounds the web configuration file and each one that it names.
const maxFileSize = 1 << 20

// source is the content of the file and of those that it names at one moment.
type source struct {
	config *web.Config
	pems   pems
	err    error             // why there is not more
	digest [sha256.Size]byte // distinguishes sources
}

// pems are the texts behind tls_server_config, from files or from the web
// configuration file itself. They are empty without TLS.
type pems struct {
	cert, key, clientCAs []byte
}

// read reads everything once: what is checked, what is compared with the last
// look, and what is used are the same bytes.
func read(path string) source {
	var s source
	r := reader{sha256.New()}
	s.config, s.err = r.config(path)
	if s.err == nil && s.config.TLSConfig.IsEnabled() {
		s.pems, s.err = r.pems(s.config.TLSConfig)
	}
	r.digest.Sum(s.digest[:0])
	return s
}

// reader reads files and takes the digest of all that it found.
type reader struct{ digest hash.Hash }

func (r reader) config(path string) (*web.Config, error) {
	content, err := r.file(path)
	if err != nil {
		return nil, err
	}
	c, err := parse(content)
	if err != nil {
		return nil, err
	}
	c.TLSConfig.SetDirectory(filepath.Dir(path))
	return c, nil
}

func (r reader) pems(c web.TLSConfig) (p pems, err error) {
	if p.cert, err = r.text(c.TLSCertPath, c.TLSCert); err != nil {
		return p, fmt.Errorf("cert_file: %w", err)
	}
	if p.key, err = r.text(c.TLSKeyPath, string(c.TLSKey)); err != nil {
		return p, fmt.Errorf("key_file: %w", err)
	}
	if p.clientCAs, err = r.text(c.ClientCAs, c.ClientCAsText); err != nil {
		return p, fmt.Errorf("client_ca_file: %w", err)
	}
	return p, nil
}

// text returns the content of the file at path, or inline if no file is named.
func (r reader) text(path, inline string) ([]byte, error) {
	if path == "" {
		return []byte(inline), nil
	}
	return r.file(path)
}

func (r reader) file(path string) ([]byte, error) {
	content, err := readFile(path)
	if err != nil {
		// Without the path that os adds: it may hold a line break.
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			err = pe.Err
		}
		err = fmt.Errorf("cannot read %q: %w", path, err)
	}
	fmt.Fprintf(r.digest, "%d %v\n", len(content), err)
	r.digest.Write(content)
	return content, err
}

func readFile(path string) ([]byte, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// To open a pipe would wait for its writer.
	if !stat.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFileSize {
		return nil, errors.New("larger than 1 MiB")
	}
	return content, nil
}
