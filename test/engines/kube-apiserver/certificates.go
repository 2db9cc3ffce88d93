package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs certificates. Its own are valid for a day: a cluster lives for minutes.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// writeCertificates fills the folder with ca.crt, other-ca.crt (which has signed nothing), the pairs server, client
// (of the product's group) and stranger (which the other authority has signed), and service-accounts.key.
func writeCertificates(folder string) error {
	ca, err := newAuthority(folder, "ca")
	if err != nil {
		return err
	}
	other, err := newAuthority(folder, "other-ca")
	if err != nil {
		return err
	}
	// No name but the address: every host name is a wrong one.
	server := x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	client := x509.Certificate{
		Subject:     pkix.Name{CommonName: "autopilot", Organization: []string{"ztunnel-autopilot"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if err := ca.sign(folder, "server", server); err != nil {
		return err
	}
	if err := ca.sign(folder, "client", client); err != nil {
		return err
	}
	if err := other.sign(folder, "stranger", client); err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	return writeKey(folder, "service-accounts", key)
}

func newAuthority(folder, name string) (*authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	made := &authority{certificate: &template, key: key}
	der, err := made.certify(&template, key)
	if err != nil {
		return nil, err
	}
	if made.certificate, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	return made, writePem(folder, name+".crt", "CERTIFICATE", der)
}

func (ca *authority) sign(folder, name string, template x509.Certificate) error {
	key, err := newKey()
	if err != nil {
		return err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := ca.certify(&template, key)
	if err != nil {
		return err
	}
	if err := writePem(folder, name+".crt", "CERTIFICATE", der); err != nil {
		return err
	}
	return writeKey(folder, name, key)
}

func (ca *authority) certify(template *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(24 * time.Hour)
	return x509.CreateCertificate(rand.Reader, template, ca.certificate, &key.PublicKey, ca.key)
}

func newKey() (*ecdsa.PrivateKey, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

func writeKey(folder, name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePem(folder, name+".key", "EC PRIVATE KEY", der)
}

func writePem(folder, file, kind string, der []byte) error {
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(folder, file), text, 0o600)
}
