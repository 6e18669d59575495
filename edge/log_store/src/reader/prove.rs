//! Proofs from a log's tiles.

use audit::tile::{TILE_WIDTH, Tile, TiledNodes, tile_path};
use audit::{ReceiptProof, proof};

use super::{Reader, place, size_of, split};

impl Reader {
    /// The proof of one record's content for a verifier without a key: the content, and its proof against the published
    /// checkpoint.
    ///
    /// # Errors
    /// The record is not published yet, or cannot be read.
    pub fn prove(&mut self, seq: u64) -> Result<(Vec<u8>, ReceiptProof), String> {
        match self.prove_now(seq) {
            // The files of the checkpoint that we had may be gone by now.
            Err(_) => {
                self.refresh()?;
                self.prove_now(seq)
            }
            proved => proved,
        }
    }

    fn prove_now(&mut self, seq: u64) -> Result<(Vec<u8>, ReceiptProof), String> {
        if seq >= self.published {
            return Err(format!("record {seq} is not published: the checkpoint counts {} records", self.published));
        }
        let (entries, payloads) = self.bundle(seq / TILE_WIDTH)?;
        let mut rest = payloads.as_slice();
        for entry in &entries {
            let payload = split(&mut rest, entry)?;
            if entry.seq != seq {
                continue;
            }
            let keys = self.keys.as_mut().map_err(|why| why.clone())?;
            let key = keys.get(entry.key)?.ok_or("its content was destroyed")?;
            let content = key.open(&place(entry), payload).ok_or("its bytes were changed")?;
            let note = self.note.clone().ok_or("there is no checkpoint")?;
            let size = size_of(&note).unwrap_or(0);
            let path = proof::inclusion(&TiledNodes { size, read: &self.tiles() }, seq, size);
            let path = path.ok_or("the tiles are incomplete")?;
            let proof = ReceiptProof { entry: entry.to_bytes(), salt: key.salt(&place(entry)), path, note };
            return Ok((content, proof));
        }
        Err(format!("record {seq} is missing"))
    }

    /// The proof that the log of `old` records is the beginning of the published one (RFC 6962 §2.1.2).
    ///
    /// # Errors
    /// There are not as many records, or tiles are missing.
    pub fn consistency(&self, old: u64) -> Result<Vec<audit::Hash>, String> {
        let size = self.note.as_deref().and_then(size_of).unwrap_or(0);
        let nodes = TiledNodes { size, read: &self.tiles() };
        proof::consistency(&nodes, old, size).ok_or_else(|| format!("no proof from {old} to {size} records"))
    }

    fn tiles(&self) -> impl Fn(u32, u64, u64) -> Option<Vec<audit::Hash>> {
        |level, index, width| Tile::hashes_of(&self.disk.read(&tile_path(level, index, width)).ok()??)
    }
}
