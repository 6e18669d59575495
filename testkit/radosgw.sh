#!/bin/sh
# A Ceph object gateway for tests, in a directory of its own, until its standard input closes: object storage that locks in
# earnest and checks who asks. Debian packages: radosgw ceph-mon ceph-mgr ceph-osd ceph-common.
# Usage: radosgw.sh DIRECTORY PORT
set -eu
dir=$1 port=$2 id=11111111-2222-3333-4444-555555555555 osd=99999999-2222-3333-4444-555555555555
mkdir -p "$dir/mon" "$dir/osd" "$dir/mgr" "$dir/rgw" "$dir/run"
cd "$dir"
cat > ceph.conf <<END
[global]
fsid = $id
mon host = v1:127.0.0.1:$((port + 1))
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
osd objectstore = memstore
run dir = $dir/run
log file = $dir/\$name.log
keyring = $dir/keyring
mon data = $dir/mon
osd data = $dir/osd
mgr data = $dir/mgr
admin socket = $dir/run/\$name.asok
pid file = $dir/run/\$name.pid
ms bind msgr2 = false
END
export CEPH_CONF="$dir/ceph.conf"
ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *'
for who in client.admin mgr.x osd.0 client.rgw; do
    ceph-authtool keyring --gen-key -n $who --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
done
monmaptool --create --addv a "[v1:127.0.0.1:$((port + 1))]" --fsid $id monmap
ceph-mon --mkfs -i a --monmap monmap --keyring keyring
stop() { pkill -9 -f "$dir/ceph.conf" || true; }
trap stop EXIT
conf="-c $dir/ceph.conf"
ceph-mon $conf -i a
ceph-mgr $conf -i x
ceph osd new $osd 0
ceph-osd -i 0 --mkfs --osd-uuid $osd
ceph-osd $conf -i 0
radosgw $conf -f -n client.rgw --rgw-frontends="beast endpoint=127.0.0.1:$port" --rgw-data="$dir/rgw" > rgw.out 2>&1 &
for user in owner writer; do
    until radosgw-admin -n client.admin user create --uid=$user --display-name=$user --access-key=$user --secret-key=$user-secret; do
        sleep 1
    done > /dev/null 2>&1
done
until curl -s -o /dev/null "http://127.0.0.1:$port/"; do sleep 0.2; done
echo ready
cat > /dev/null
