@rem Copyright The engine-apiserver Authors.
@rem SPDX-License-Identifier: Apache-2.0
@rem kubectl calls this program to complete the command line of kubectl engine. Install it in PATH beside kubectl-engine.exe.
@kubectl-engine.exe __complete %*
