"""The local API: JSON over HTTP, on a Unix socket in the home folder that only its owner can open.

operations   what the API asks of the node behind it
requests     what may be asked, strictly
routes       which path asks what
refusals     every no as one code, one sentence and the next thing to do
listening    the socket
server       the HTTP server
"""
