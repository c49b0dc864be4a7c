//! The content format MBX1: AES-256-CTR with HMAC-SHA-256. Knows neither HSM nor store.
