package sweep

// Files in the folder of a sweep, in addition to the folders of the runs.
const (
	sweepFile = "sweep.yaml"
	logsDir   = "logs"
)

// Files in the folder of a sweep with all runs except the auxiliary ones.
const (
	sweepCSV  = "sweep.csv"
	sweepJSON = "sweep.json"
)

// auxiliaryDir is the folder of the auxiliary runs. It is below the folder of the
// sweep, so that they are one level deeper than the runs to compare and are not found
// among them.
const auxiliaryDir = "auxiliary"
