# The local stack's Vault: one node, its data in a volume, no TLS inside the stack's own network.
ui           = false
api_addr     = "http://vault:8200"
cluster_addr = "http://vault:8201"

storage "raft" {
  path                   = "/openbao/file"
  node_id                = "vault"
  performance_multiplier = 1
}

listener "tcp" {
  address         = "0.0.0.0:8200"
  cluster_address = "0.0.0.0:8201"
  tls_disable     = true
}

# Who asked for what; secrets in it are HMACs.
audit "file" "stdout" {
  options {
    file_path = "stdout"
  }
}
