"""The messaging authority: keeps mailboxes for people and sellers who are away."""
