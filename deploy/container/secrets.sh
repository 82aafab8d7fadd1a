#!/bin/sh
# Writes the secrets that compose.yaml hands over, each into a file of its own: deploy/container/secrets.sh FOLDER
# A file that exists is never replaced: stored data need their keys.
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"

random() { openssl rand -base64 "$1" | tr '+/' '-_' | tr -d '\n'; }
write() {
    [ -s "$folder/$1" ] || printf '%s\n' "$2" > "$folder/$1"
    # The user of a container reads its secrets; on the host, the folder keeps everyone but its owner out.
    chmod 444 "$folder/$1"
}

write secret_key "$(random 48)"
write field_keys "$(random 32)"
write search_key "$(random 32)"
write database_password "$(random 24 | tr -d '=')"
write database_url "postgres://affectline:$(cat "$folder/database_password")@database/affectline"
[ -s "$folder/redis.conf" ] || redis_password=$(random 24 | tr -d '=')
write redis.conf "requirepass ${redis_password:-}"
write redis_url "redis://:$(sed -n 's/^requirepass //p' "$folder/redis.conf")@queue:6379/0"
write metrics_token "$(random 32)"
write email_password ""
write oidc_client_secret ""
