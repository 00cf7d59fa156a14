"""What tests share: servers, virtual time, the real command at work in a folder."""
