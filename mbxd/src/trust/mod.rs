//! Certificates, roots and revocation lists of both HTTPS doors and of signatures.
