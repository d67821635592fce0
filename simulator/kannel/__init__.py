"""Pretend Kannel smsbox: the sendsms interface and its delivery report URLs."""
