//! The malware scanner's seam and policy.
