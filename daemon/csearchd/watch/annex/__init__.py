"""Pictures whose content git-annex keeps elsewhere in the repository (csearchd.system.annex)."""
