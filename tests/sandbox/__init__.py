"""Tests of the embedded platform: real processes on loopback."""
