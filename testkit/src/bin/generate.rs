//! Writes the files that are made from the product. `cargo xtask generate` calls it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for (path, text) in testkit::golden::all() {
        let to = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        std::fs::create_dir_all(to.parent().ok_or("no directory")?)?;
        std::fs::write(to, text)?;
        eprintln!("wrote {path}");
    }
    Ok(())
}
