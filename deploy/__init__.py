"""The local stack and the demo; and for any system provisioning, tokens, backups and the bill of a release."""
