"""What the local stack of docker-compose.yml needs beside its services: secrets made once, and a Vault that is open."""
