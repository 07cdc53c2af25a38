# Usage: source docs/lab.sh     (bash)
# A store of three members on this machine, to be broken on purpose: docs/experiments.md. All of it is in the directory $LAB; `lab_down` removes it.

LAB=$(mktemp -d /tmp/flotilla-lab-XXXXXX)
LAB_WRAP=()
LAB_CABLES=
LAB_SOURCES=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Where member N is: on the loopback interface, or, after `lab_cables`, in a network of its own.
lab_host() { if [ -n "$LAB_CABLES" ]; then echo "10.77.0.$1"; else echo 127.0.0.1; fi; }
lab_endpoints() { echo "$(lab_host 1):11379,$(lab_host 2):12379,$(lab_host 3):13379"; }

# member N [FLAG…]: starts member N, or starts it again. What the array LAB_WRAP holds is put before its command.
member() {
  local n=$1 host cluster="m1=http://$(lab_host 1):11380,m2=http://$(lab_host 2):12380,m3=http://$(lab_host 3):13380"
  host=$(lab_host "$n")
  shift
  (
    [ -z "$LAB_CABLES" ] || LAB_WRAP=(ip netns exec "lab-m$n" "${LAB_WRAP[@]}")
    exec "${LAB_WRAP[@]}" "$LAB_SOURCES/bin/etcd" --name "m$n" --data-dir "$LAB/m$n" --initial-cluster "$cluster" \
      --listen-client-urls "http://$host:1${n}379" --advertise-client-urls "http://$host:1${n}379" \
      --listen-peer-urls "http://$host:1${n}380" --initial-advertise-peer-urls "http://$host:1${n}380" "$@"
  ) >>"$LAB/m$n.log" 2>&1 &
  echo $! >"$LAB/m$n.pid"
  disown
}

# ctl …: etcdctl, talking to all members. With cables, from inside the network of the first.
ctl() { lab_etcdctl 1 "$(lab_endpoints)" "$@"; }
# ctl_at N …: etcdctl beside member N, talking to it alone.
ctl_at() { lab_etcdctl "$1" "$(lab_host "$1"):1${1}379" "${@:2}"; }
lab_etcdctl() { ${LAB_CABLES:+ip netns exec "lab-m$1"} env ETCDCTL_API=3 "ETCDCTL_ENDPOINTS=$2" etcdctl "${@:3}"; }

pid_of() { cat "$LAB/m$1.pid"; }
# The number of the member that leads, as the members themselves say.
leader() { ctl endpoint status 2>/dev/null | awk -F', ' '$5 == "true" { split($1, at, ":"); print substr(at[2], 2, 1); exit }'; }
# Waits until there is one.
wait_for_leader() { until [ -n "$(leader)" ]; do sleep 0.2; done; echo "m$(leader) leads"; }

# A network for each member (root): namespaces, a switch between them, and cables that can be pulled. The machine's own network is not touched.
lab_cables() {
  LAB_CABLES=yes
  ip netns add lab-switch
  ip -n lab-switch link add switch type bridge
  ip -n lab-switch link set switch up
  for n in 1 2 3; do
    ip netns add "lab-m$n"
    ip -n lab-switch link add "m$n" type veth peer name eth0 netns "lab-m$n"
    ip -n lab-switch link set "m$n" master switch up
    ip -n "lab-m$n" address add "10.77.0.$n/24" dev eth0
    ip -n "lab-m$n" link set eth0 up
    ip -n "lab-m$n" link set lo up
  done
}
pull() { ip -n lab-switch link set "m$1" down; }
plug() { ip -n lab-switch link set "m$1" up; }

lab_down() {
  for file in "$LAB"/*.pid; do
    kill -9 "$(cat "$file")" 2>/dev/null
    while kill -0 "$(cat "$file")" 2>/dev/null; do sleep 0.1; done
  done
  for mounted in $(awk -v lab="$LAB/" 'index($2, lab) == 1 { print $2 }' /proc/mounts); do umount "$mounted"; done
  if [ -n "$LAB_CABLES" ]; then
    for name in lab-m1 lab-m2 lab-m3 lab-switch; do ip netns delete "$name"; done
    LAB_CABLES=
  fi
  rm -rf "$LAB"
}
