// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Base} from "./Base.sol";

/// @dev Committed gas figures, `bench/snapshots/`, a folder per room: held at +3 %; HEURIST_SNAPSHOT=true writes them anew.
abstract contract Snapshots is Base {
    /// @dev Gas of a call as a whole transaction with cold slots; fails if it costs 3 % more than its snapshot.
    function _measure(string memory name, address target, bytes memory call) internal returns (uint256 gas) {
        (bool done,) = target.call(call);
        vm.assertTrue(done, name);
        gas = 21_000 + vm.lastCallGas().gasTotalUsed + _calldataGas(call);
        _hold(name, gas);
    }

    function _calldataGas(bytes memory data) internal pure returns (uint256 gas) {
        for (uint256 i; i < data.length; i++) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }

    function _hold(string memory name, uint256 gas) internal {
        if (vm.envOr("HEURIST_SNAPSHOT", false)) vm.writeFile(_file(name), vm.toString(gas));
        vm.assertLe(gas * 100, _kept(name) * 103, string.concat(name, " costs 3 % more than its snapshot"));
    }

    function _kept(string memory name) internal view returns (uint256) {
        return vm.parseJsonUint(string.concat('{"gas":', vm.readFile(_file(name)), "}"), ".gas");
    }

    function _folder() internal pure virtual returns (string memory) {
        return "ledger";
    }

    function _file(string memory name) private pure returns (string memory) {
        return string.concat("bench/snapshots/", _folder(), "/", name, ".txt");
    }
}
